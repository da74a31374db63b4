// Keys for people who answer a hundred questions a day. Everything they do is a link or a button of the page:
// data-key names the key of an element, data-row marks a line of a list. Nothing happens while a field is filled in.

const GO = { o: "/", q: "/queue", s: "/search", d: "/quality", m: "/model", a: "/activity" };
let leading = false;

function isTyping(target) {
  return target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]") !== null;
}

function step(by) {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (rows.length === 0) return false;
  const here = rows.indexOf(document.activeElement.closest("[data-row]") ?? document.activeElement);
  const next = rows[Math.min(Math.max(here + by, 0), rows.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}

function act(key) {
  if (key === "j") return step(1);
  if (key === "k") return step(-1);
  if (key === "/") return focusOn(document.querySelector("#find"));
  if (key === "?") return open("/help", "_self") !== null;
  const element = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (element === null) return false;
  if (element.matches("details")) {
    element.open = !element.open;
    return focusOn(element.querySelector("summary"));
  }
  element.click();
  return true;
}

function focusOn(element) {
  if (element === null) return false;
  element.focus();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event.target)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (leading && key in GO) {
    location.assign(GO[key]);
    event.preventDefault();
  } else if (act(key)) {
    event.preventDefault();
  }
  leading = key === "g";
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent !== undefined) event.preventDefault();
  event.target.dataset.sent = "";
});
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
