<?php

echo "Hello from PHP, asked for " . htmlspecialchars($_SERVER["REQUEST_URI"]) . "\n";
