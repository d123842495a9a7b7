// Start everything, and say in the contents which section one is in.

function startContents() {
  const links = findAll(".contents a");
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const link of links) {
          link.setAttribute("aria-current", String(link.hash === `#${entry.target.id}`));
        }
      }
    },
    { rootMargin: "-30% 0px -65% 0px" },
  );
  for (const link of links) seen.observe(find(link.hash));
}

/** Menus close when one looks elsewhere. */
function startMenus() {
  const menus = findAll("details.menu");
  addEventListener("pointerdown", (event) => {
    for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
  });
  addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && menus.find((each) => each.open);
    if (!menu) return;
    menu.open = false;
    find("summary", menu).focus();
  });
}

startTheme();
startContents();
startMenus();
startTips();
startTable();
if (DATA.clips.length) {
  startViewer();
  startErrorScale();
  startTime();
  startZoom();
  startRows();
  startKeys();
}
startCharts();
if (DATA.clips.length) openMoving();
