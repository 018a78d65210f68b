/* A file may be dropped on its field. */
(() => {
  "use strict";
  for (const box of document.querySelectorAll("[data-drop]")) {
    const input = box.querySelector("input[type=file]");
    const over = (on) => (e) => { e.preventDefault(); box.classList.toggle("over", on); };
    for (const name of ["dragenter", "dragover"]) box.addEventListener(name, over(true));
    for (const name of ["dragleave", "dragend"]) box.addEventListener(name, over(false));
    box.addEventListener("drop", (e) => {
      over(false)(e);
      if (!e.dataTransfer.files.length) return;
      const one = new DataTransfer();
      one.items.add(e.dataTransfer.files[0]);
      input.files = one.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      input.focus();
    });
  }
  /* A file beside the field is not meant to replace the page. */
  for (const name of ["dragover", "drop"]) addEventListener(name, (e) => { if (document.querySelector("[data-drop]")) e.preventDefault(); });
})();
