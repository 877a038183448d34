//! On a terminal, a line for each resource that is being changed: its current step, the elapsed
//! time and the tool's last line.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anstream::adapter::strip_str;
use console::Term;
use indicatif::{
    MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike,
};

use super::Terminal;
use crate::model::address::Address;
use crate::reconcile::apply::event::Event;
use crate::report;

/// How often a line is redrawn, so that its spinner and its clock move.
const TURN: Duration = Duration::from_millis(100);
/// The maximum number of writes to the terminal per second.
const RATE: u8 = 20;
/// The activity between two steps, and after the last one.
const LOOKING: &str = "check the result";

/// The lines of all resources that are being changed.
pub(super) struct Spinners {
    lines: MultiProgress,
    running: Mutex<BTreeMap<Address, Spinner>>,
    has_colors: bool,
}

struct Spinner {
    bar: ProgressBar,
    now: Arc<Mutex<Now>>,
}

/// The current activity of a resource.
struct Now {
    address: Address,
    doing: String,
    said: String,
}

impl Spinners {
    /// `None` if the terminal cannot redraw lines.
    pub(super) fn on(terminal: &Terminal) -> Option<Self> {
        let screen = Screen(Term::buffered_stderr());
        terminal.draws().then(|| Self {
            lines: MultiProgress::with_draw_target(ProgressDrawTarget::term_like_with_hz(
                Box::new(screen),
                RATE,
            )),
            running: Mutex::default(),
            has_colors: terminal.colors_errors(),
        })
    }

    /// The lines, for another thread to print above.
    pub(super) fn above(&self) -> MultiProgress {
        self.lines.clone()
    }

    /// Prints something above the lines.
    pub(super) fn aside(&self, print: impl FnOnce()) {
        self.lines.suspend(print);
    }

    pub(super) fn hear(&self, event: &Event<'_>) {
        match event {
            Event::ResourceStarted(change) => {
                let running = self.line(&change.address);
                lock(&self.running).insert(change.address.clone(), running);
            }
            Event::StepStarted(address, step) => self.change(address, |running| {
                running.does(&step.title);
            }),
            Event::StepSays(address, line) => self.change(address, |running| {
                (*line).clone_into(&mut lock(&running.now).said);
            }),
            Event::StepFinished(address, ..) | Event::StepFailed(address, ..) => {
                self.change(address, |running| running.does(LOOKING));
            }
            Event::ResourceFinished(result) => {
                let running = lock(&self.running).remove(&result.address);
                if let Some(Spinner { bar, .. }) = running {
                    bar.finish_and_clear();
                    self.lines.remove(&bar);
                }
            }
        }
    }

    fn change(&self, address: &Address, change: impl FnOnce(&Spinner)) {
        if let Some(running) = lock(&self.running).get(address) {
            change(running);
        }
    }

    fn line(&self, address: &Address) -> Spinner {
        let now = Now { address: address.clone(), doing: LOOKING.into(), said: String::new() };
        let now = Arc::new(Mutex::new(now));
        let bar = ProgressBar::new_spinner().with_style(self.style(Arc::clone(&now)));
        let bar = self.lines.add(bar);
        bar.enable_steady_tick(TURN);
        Spinner { bar, now }
    }

    fn style(&self, now: Arc<Mutex<Now>>) -> ProgressStyle {
        let (has_colors, taken) = (self.has_colors, "x ".len());
        let screen = Term::stderr();
        let write = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let (_, columns) = screen.size();
            let width = usize::from(columns).saturating_sub(taken);
            let Now { address, doing, said } = &*lock(&now);
            let line = report::running(address, doing, said, state.elapsed(), width);
            // Writing to a string does not fail.
            let _ =
                if has_colors { out.write_str(&line) } else { write!(out, "{}", strip_str(&line)) };
        };
        ProgressStyle::with_template("{spinner} {now}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .with_key("now", write)
    }
}

impl Spinner {
    fn does(&self, what: &str) {
        {
            // Unlocked before the bar is touched: the bar locks this to draw itself.
            let mut now = lock(&self.now);
            what.clone_into(&mut now.doing);
            now.said.clear();
        }
        self.bar.reset_elapsed();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A terminal that may close while cai writes to it. That is not an error and must not stop an
/// apply.
#[derive(Debug)]
struct Screen(Term);

impl TermLike for Screen {
    fn width(&self) -> u16 {
        TermLike::width(&self.0)
    }

    fn height(&self) -> u16 {
        TermLike::height(&self.0)
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        unseen(self.0.move_cursor_up(lines))
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        unseen(self.0.move_cursor_down(lines))
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        unseen(self.0.move_cursor_right(columns))
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        unseen(self.0.move_cursor_left(columns))
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        unseen(self.0.write_line(text))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        unseen(self.0.write_str(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        unseen(self.0.clear_line())
    }

    fn flush(&self) -> io::Result<()> {
        unseen(self.0.flush())
    }
}

/// Ignores errors: `indicatif` would panic.
#[expect(clippy::unnecessary_wraps, reason = "its methods return results")]
fn unseen(result: io::Result<()>) -> io::Result<()> {
    let _ = result;
    Ok(())
}
