// What the daemon is asked for now and again while it is shown.
import { useState, useEffect } from './view.js';
import { get } from './api.js';

// The last answer (null before the first), how to ask at once, and why it was refused.
export function usePolled(path, every = 1500) {
  const [value, setValue] = useState(null);
  const [fault, setFault] = useState(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let gone = false;
    let timer = 0;
    const ask = async () => {
      try {
        const next = await get(path);
        if (gone) return;
        setValue(next);
        setFault(null);
      } catch (problem) {
        // It is being removed, or the daemon is away: the page says so elsewhere.
        if (!gone && problem.status !== 0) setFault(problem.message);
      }
      if (!gone) timer = setTimeout(ask, every);
    };
    ask();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [path, turn]);
  return [value, () => setTurn((now) => now + 1), fault];
}
