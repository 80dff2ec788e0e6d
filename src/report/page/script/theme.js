// The switch between light and dark. The page follows the system until somebody uses it.
{
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const systemIsDark = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : systemIsDark.matches);
  const tell = () => button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    tell();
  });
  systemIsDark.addEventListener("change", tell);
  button.hidden = false;
  tell();
}
