// The document opens, when everything above is defined.

document.documentElement.classList.add("js");
// The ids are targets for readers without scripts; with them the browser would scroll past the verdict.
for (const page of pages) if (page.id.startsWith("/")) page.removeAttribute("id");
setTheme(storedTheme());
for (const box of document.querySelectorAll("[data-copy]")) box.after(copyButton("Copy command", () => box.textContent));
byId("theme").addEventListener("click", nextTheme);
byId("keys").addEventListener("click", () => byId("help").showModal());
byId("close").addEventListener("click", () => byId("help").close());
document.querySelector("a.skip").addEventListener("click", (event) => { event.preventDefault(); byId("main").focus(); });
addEventListener("hashchange", route);
addEventListener("resize", trimTabStops);
addEventListener("keydown", onKey);
route();
