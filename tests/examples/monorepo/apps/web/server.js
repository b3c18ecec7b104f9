const { text } = require("./text.json");

require("http")
  .createServer((request, answer) => answer.end(text))
  .listen(process.env.PORT || 3456);
