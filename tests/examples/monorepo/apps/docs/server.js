require("http")
  .createServer((request, answer) => answer.end("the documentation"))
  .listen(process.env.PORT || 3457);
