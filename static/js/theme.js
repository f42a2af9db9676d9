// The colour scheme: kept in a cookie, so that the server draws the next page in it from the first byte.
const themes = ["auto", "light", "dark"];
const root = document.documentElement;
const button = document.getElementById("theme-button");

const names = JSON.parse(button.dataset.themes);

button.hidden = false;
button.addEventListener("click", () => {
  const theme = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
  root.dataset.theme = theme;
  button.querySelector("[data-theme-name]").textContent = names[theme];
  document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax`;
});
