// A table of which only the rows in sight are in the document.
import { html, useState, useLayoutEffect, useRef } from './view.js';

export function Windowed({ label, count, rowHeight, row, head, selected, onKeyDown, columnCount, follow, className, role = 'grid' }) {
  const box = useRef(null);
  const [sight, setSight] = useState({ top: 0, height: 600 });
  useLayoutEffect(() => {
    const element = box.current;
    const measure = () => setSight({ top: element.scrollTop, height: element.clientHeight });
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
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
  const first = Math.max(0, Math.floor(sight.top / rowHeight) - 8);
  const last = Math.min(count, Math.ceil((sight.top + sight.height) / rowHeight) + 8);
  const rows = [];
  for (let i = first; i < last; i++) {
    rows.push(row(i, { height: `${rowHeight}px`, transform: `translateY(${i * rowHeight}px)` }));
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
    onScroll=${(event) => setSight({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}
    onKeyDown=${onKeyDown}
  >
    ${head}
    <div class="rows" role="rowgroup" style=${{ height: `${count * rowHeight}px` }}>${rows}</div>
  </div>`;
}
