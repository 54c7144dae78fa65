//! The whole terminal, for a look that renews itself. What stood there before comes back at the end, however
//! the end comes.

use std::io::Write;
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal::{self, BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use crossterm::{cursor, execute, queue, style};

use crate::failure::{Failure, Result};

/// What somebody at the terminal did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// q, Escape or Ctrl-C.
    Leave,
    /// The terminal has another size now, or a key asks for a new look.
    Renew,
}

/// The terminal, taken over until it is dropped.
#[derive(Debug)]
pub struct Screen(());

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// Exit 1 when it cannot be: it is not one, or it is gone.
    pub fn open() -> Result<Self> {
        let failed = |error| Failure::io("take over the terminal", &error);
        terminal::enable_raw_mode().map_err(failed)?;
        let screen = Self(());
        execute!(
            std::io::stdout(),
            terminal::EnterAlternateScreen,
            cursor::Hide
        )
        .map_err(failed)?;
        Ok(screen)
    }

    /// How many lines and columns there are.
    pub fn size(&self) -> (usize, usize) {
        let (columns, lines) = terminal::size().unwrap_or((80, 24));
        (usize::from(lines), usize::from(columns))
    }

    /// Draws `text`; what does not fit is left out.
    pub fn draw(&self, text: &str) {
        let (height, width) = self.size();
        let mut out = std::io::stdout().lock();
        let _ = queue!(out, BeginSynchronizedUpdate, Clear(ClearType::All));
        for (at, line) in (0u16..).zip(text.lines().take(height)) {
            let line = console::truncate_str(line, width, "…");
            let _ = queue!(out, cursor::MoveTo(0, at), style::Print(line));
        }
        let _ = queue!(out, EndSynchronizedUpdate);
        let _ = out.flush();
    }

    /// Waits for somebody to do something, `limit` at most.
    pub async fn key(&self, limit: Duration) -> Option<Key> {
        // Reading blocks, so it is done beside the runtime, in pieces: whoever is cancelled waits for one.
        const PIECE: Duration = Duration::from_millis(200);
        let end = tokio::time::Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(tokio::time::Instant::now());
            let piece = left.min(PIECE);
            let read = tokio::task::spawn_blocking(move || match event::poll(piece) {
                Ok(true) => event::read().ok(),
                _ => None,
            });
            match read.await.ok().flatten().as_ref().and_then(meaning) {
                Some(key) => return Some(key),
                None if left <= PIECE => return None,
                None => {}
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = execute!(
            std::io::stdout(),
            cursor::Show,
            terminal::LeaveAlternateScreen
        );
        let _ = terminal::disable_raw_mode();
    }
}

fn meaning(event: &Event) -> Option<Key> {
    match event {
        Event::Resize(..) => Some(Key::Renew),
        Event::Key(key) if key.kind != KeyEventKind::Release => match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Key::Leave),
            KeyCode::Char('q' | 'Q') | KeyCode::Esc => Some(Key::Leave),
            KeyCode::Char(' ') => Some(Key::Renew),
            _ => None,
        },
        _ => None,
    }
}
