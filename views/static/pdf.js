/* Draws a PDF with pdf.js, a page when it comes into sight. Scripts inside the PDF are never run: only its pictures are drawn. */
import { GlobalWorkerOptions, getDocument } from "./vendor/pdfjs/pdf.min.mjs";

const place = document.querySelector("[data-pdf]");
const state = place.querySelector("[data-state]");
const vendor = new URL(place.dataset.vendor, location.href).href;
GlobalWorkerOptions.workerSrc = `${vendor}pdf.worker.min.mjs`;

const draw = async (pdf, number, canvas) => {
  const page = await pdf.getPage(number);
  const width = canvas.clientWidth;
  const viewport = page.getViewport({ scale: (width / page.getViewport({ scale: 1 }).width) * Math.min(window.devicePixelRatio, 2) });
  Object.assign(canvas, { width: viewport.width, height: viewport.height });
  await page.render({ canvas, viewport }).promise;
  canvas.dataset.drawn = "yes";
};

const open = async () => {
  const pdf = await getDocument({
    url: place.dataset.pdf, cMapUrl: `${vendor}cmaps/`, cMapPacked: true, standardFontDataUrl: `${vendor}standard_fonts/`, wasmUrl: `${vendor}wasm/`, enableXfa: false,
  }).promise;
  const first = (await pdf.getPage(1)).getViewport({ scale: 1 });
  const watcher = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => {
    watcher.unobserve(target);
    draw(pdf, Number(target.dataset.number), target);
  }), { rootMargin: "600px" });
  for (let number = 1; number <= pdf.numPages; number += 1) {
    const canvas = document.createElement("canvas");
    canvas.className = "preview-page";
    canvas.dataset.number = number;
    canvas.style.aspectRatio = `${first.width} / ${first.height}`;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", place.dataset.page.replace("{page}", number).replace("{pages}", pdf.numPages));
    place.append(canvas);
    watcher.observe(canvas);
  }
  state.hidden = true;
};

open().catch(() => { state.textContent = place.dataset.failed; });
