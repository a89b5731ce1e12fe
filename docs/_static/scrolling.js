// A box that scrolls sideways can be reached with the keyboard: https://www.w3.org/WAI/WCAG22/Understanding/keyboard
const boxes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
for (const box of document.querySelectorAll("pre, .table-wrapper")) boxes.observe(box);
