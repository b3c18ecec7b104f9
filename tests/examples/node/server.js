const express = require("express");

const app = express();
const port = process.env.PORT || 4000;

app.get("/", (request, response) => response.send("<h1>Hello from Express</h1>"));
app.listen(port, () => console.log(`listening on ${port}`));
