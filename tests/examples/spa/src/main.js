document.querySelector("#app").textContent = `Hello ${import.meta.env.VITE_NAME ?? "from Vite"}`;
