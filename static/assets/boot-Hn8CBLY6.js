
(function() {
const root = document.documentElement;
root.classList.add("js");
try {
const theme = localStorage.getItem("butler.theme");
if (theme === "light" || theme === "dark") root.dataset.theme = theme;
root.dataset.session = localStorage.getItem("butler.signed-in") === "1" ? "in" : "out";
} catch {
root.dataset.session = "out";
}
})();
