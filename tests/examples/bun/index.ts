const server = Bun.serve({
  port: process.env.PORT || 5005,
  fetch: () => new Response(`Hello from Bun ${Bun.version}\n`),
});

console.log(`listening on ${server.port}`);
