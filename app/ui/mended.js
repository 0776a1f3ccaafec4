// Streamlit's place to drop files says of itself that it is nothing (role "presentation") and has a
// name all the same; for who cannot see it, it is a group.

function mended() {
  const mend = () => {
    for (const zone of document.querySelectorAll("[data-testid=stFileUploaderDropzone]")) {
      if (zone.getAttribute("role") !== "group") zone.setAttribute("role", "group");
    }
  };
  mend();
  const watch = new MutationObserver(mend);
  watch.observe(document.body, { childList: true, subtree: true });
  return () => watch.disconnect();
}
