#!/bin/bash
words=(Hello from a "shell script")
while true; do
    echo "${words[*]}"
    sleep 5
done
