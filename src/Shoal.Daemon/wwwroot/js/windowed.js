// A table of which only the rows in sight, and a few around them, are in the document.
import { html, useState, useLayoutEffect, useRef } from './view.js';

// Rows above and below those in sight, and by how many it moves at once: so most frames of scrolling change nothing here.
const around = 8;
const step = 4;

// row(i, style, place): places are counted from 0 and given again to the rows that come as others go, so that a row may be
// written into the elements of another.
export function Windowed({ label, count, rowHeight, row, head, selected, onKeyDown, onClick, columnCount, follow, className, role = 'grid' }) {
  const box = useRef(null);
  const [begin, setBegin] = useState(0);
  const [height, setHeight] = useState(600);
  const look = () => setBegin(Math.max(0, Math.floor(box.current.scrollTop / rowHeight / step) * step - around));
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => setHeight(entry.contentRect.height));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(look, [rowHeight, count]);
  // The row in focus stays in sight when keys move it.
  useLayoutEffect(() => {
    if (follow == null || follow < 0) return;
    const element = box.current;
    const headHeight = element.querySelector('.head')?.offsetHeight ?? 0;
    const top = follow * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight + headHeight > element.scrollTop + element.clientHeight) {
      element.scrollTop = top + rowHeight + headHeight - element.clientHeight;
    }
  }, [follow]);
  const places = Math.ceil(height / rowHeight) + 2 * around + step;
  const rows = [];
  for (let i = begin; i < Math.min(count, begin + places); i++) {
    rows.push(row(i, { height: `${rowHeight}px`, transform: `translateY(${i * rowHeight}px)` }, i % places));
  }
  return html`<div
    class=${`windowed ${className ?? ''}`}
    ref=${box}
    role=${role}
    tabindex="0"
    aria-label=${label}
    aria-rowcount=${count + 1}
    aria-colcount=${columnCount}
    aria-multiselectable=${selected === undefined ? undefined : 'true'}
    aria-activedescendant=${selected}
    onScroll=${look}
    onKeyDown=${onKeyDown}
    onClick=${onClick}
  >
    ${head}
    <div class="rows" role="rowgroup" style=${{ height: `${count * rowHeight}px` }}>${rows}</div>
  </div>`;
}
