require "sinatra"

get("/") { "Hello from Ruby" }
run Sinatra::Application
