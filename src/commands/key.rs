//! Showing keys that exist nowhere else: once, on stdout, after the rows are committed.

use super::Invocation;
use crate::pg::seed::MadeKey;

impl Invocation {
    /// Shows keys that were just made. The database holds their hashes.
    pub(super) fn show_keys(&self, keys: &[MadeKey]) {
        for made in keys {
            self.ui.answer(format!(
                "  key for {} ({}): {}",
                made.table,
                made.place,
                made.key.reveal()
            ));
        }
        if !keys.is_empty() {
            self.ui.status(
                "Keep the keys: they are shown this once, and only their hashes are stored.",
            );
        }
    }
}
