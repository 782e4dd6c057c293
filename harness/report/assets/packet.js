(() => {
"use strict";
// Keeps the rater's choices in this browser, and saves them as a file. Nothing is sent anywhere.

const packet = document.body.dataset.packet;
const rater = document.getElementById("rater");
const done = document.getElementById("done");
const items = [...document.querySelectorAll("section.item")];
const storeName = `harness-packet-${packet}`;

function answerOf(section) {
  const item = section.dataset.item;
  const chosen = section.querySelector("input[type=radio]:checked");
  return { item, label: chosen ? Number(chosen.value) : null, comment: section.querySelector("[data-comment]").value };
}

function answers() {
  return items.map(answerOf).filter((answer) => answer.label !== null || answer.comment !== "");
}

function keep() {
  try {
    localStorage.setItem(storeName, JSON.stringify({ rater: rater.value, answers: answers() }));
  } catch { /* a browser that keeps nothing still saves the file */ }
  tell();
}

function recall() {
  let kept = null;
  try { kept = JSON.parse(localStorage.getItem(storeName)); } catch { kept = null; }
  if (!kept) return;
  rater.value = String(kept.rater || "");
  const known = new Map((kept.answers || []).map((answer) => [answer.item, answer]));
  for (const section of items) {
    const answer = known.get(section.dataset.item);
    if (!answer) continue;
    for (const choice of section.querySelectorAll("input[type=radio]")) choice.checked = Number(choice.value) === answer.label && answer.label !== null;
    section.querySelector("[data-comment]").value = String(answer.comment || "");
  }
}

function tell() {
  let labelled = 0;
  for (const section of items) {
    const isDone = answerOf(section).label !== null;
    section.classList.toggle("done", isDone);
    labelled += isDone ? 1 : 0;
  }
  done.textContent = `${labelled} of ${items.length} labelled`;
}

// One answer a line, so that a fault can be told by its line.
function fileText() {
  const lines = answers().map((answer) => `    ${JSON.stringify(answer)}`).join(",\n");
  const head = `  "packet": ${JSON.stringify(packet)},\n  "rater": ${JSON.stringify(rater.value.trim())},\n  "saved_at": ${JSON.stringify(new Date().toISOString())}`;
  return `{\n${head},\n  "answers": [\n${lines}\n  ]\n}\n`;
}

function save() {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(rater.value.trim())) {
    done.textContent = "Write your name or initials first: letters, digits, . _ -";
    rater.focus();
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([fileText()], { type: "application/json" }));
  link.download = `labels-${packet.slice(0, 12)}-${rater.value.trim()}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  tell();
}

document.addEventListener("change", keep);
document.addEventListener("input", keep);
document.getElementById("save").addEventListener("click", save);
recall();
tell();
})();
