const port = Number(Deno.env.get("PORT") ?? 8123);

Deno.serve({ port, hostname: "0.0.0.0" }, () => new Response("Hello from Deno\n"));
