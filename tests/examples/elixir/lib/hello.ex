defmodule Hello do
  use Application
  import Plug.Conn

  def start(_type, _arguments) do
    port = String.to_integer(System.get_env("PORT") || "4001")
    Supervisor.start_link([{Plug.Cowboy, scheme: :http, plug: __MODULE__, options: [port: port]}], strategy: :one_for_one)
  end

  def init(options), do: options
  def call(connection, _options), do: send_resp(connection, 200, "Hello from Elixir")
end
