"use strict";
// Everything here is a convenience: the page says the same without it.
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const order = (a, b) => {
        const x = key(a), y = key(b), nx = Number(x), ny = Number(y);
        if (Number.isNaN(nx) !== Number.isNaN(ny)) return Number.isNaN(nx) ? 1 : -1; // what is unknown stays last
        const sign = Number.isNaN(nx) ? x.localeCompare(y) : nx - ny;
        return down ? -sign : sign;
      };
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort(order));
    });
  });
}
const filter = document.getElementById("filter");
if (filter) {
  filter.hidden = false;
  const cases = [...document.querySelectorAll("article.case")];
  const has = (list, one) => one === "" || list.split(" ").includes(one);
  const apply = () => {
    const right = filter.elements.right.value, wrong = filter.elements.wrong.value;
    for (const c of cases) c.hidden = !(has(c.dataset.right, right) && has(c.dataset.wrong, wrong));
    document.getElementById("matching").textContent = `${cases.filter((c) => !c.hidden).length} shown`;
  };
  filter.addEventListener("change", apply);
  apply();
}
