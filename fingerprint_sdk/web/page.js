() => {
  // Arrow keys, Home and End move between tabs (WAI-ARIA, "Tabs Pattern"); Gradio leaves that out.
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.('[role="tab"]');
    if (!tab || event.ctrlKey || event.altKey || event.metaKey) return;
    const all = tab.closest('[role="tablist"]').querySelectorAll('[role="tab"]');
    const tabs = [...all].filter((one) => one.offsetParent !== null);
    const here = tabs.indexOf(tab);
    const places = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: tabs.length - 1 };
    const place = places[event.key];
    if (place === undefined) return;
    event.preventDefault();
    const next = tabs[(place + tabs.length) % tabs.length];
    next.focus();
    next.click();
  });
}
