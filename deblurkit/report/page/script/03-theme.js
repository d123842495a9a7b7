// Light or dark: the system's choice until the reader makes one, which is kept where it can be.

function startTheme() {
  const button = find("[data-theme-toggle]");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const tell = () => {
    button.textContent = dark() ? "Light" : "Dark";
    button.setAttribute("aria-label", dark() ? "Switch to light colours" : "Switch to dark colours");
  };
  try {
    const kept = localStorage.getItem("deblurkit-theme");
    if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  } catch {
    // A page opened from disk may have no storage: the choice then lasts as long as the page.
  }
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try {
      localStorage.setItem("deblurkit-theme", root.dataset.theme);
    } catch {
      // as above
    }
    tell();
  });
  system.addEventListener("change", tell);
  tell();
}
