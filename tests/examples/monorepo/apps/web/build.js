require("fs").writeFileSync("text.json", JSON.stringify(require("@hello/words")));
