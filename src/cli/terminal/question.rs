//! Questions to the user, on stderr.

use std::io::{self, BufRead, IsTerminal, Write};

use super::Terminal;

/// The answer to a question.
#[derive(Debug)]
pub(in crate::cli) enum Answer {
    /// What the user typed, without spaces around it.
    Given(String),
    /// The input ended, as after Ctrl-D.
    End,
    /// stdin or stderr is not a terminal.
    Impossible,
}

impl Terminal {
    /// Whether the user can answer a question.
    pub(in crate::cli) fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && self.err.is_terminal()
    }

    /// Asks a question and returns whether the answer is `yes`. `None` without a terminal.
    pub(in crate::cli) fn ask(&mut self, question: &str, yes: &str) -> Option<bool> {
        match self.prompt(question) {
            Answer::Given(answer) => Some(answer == yes),
            Answer::End => Some(false),
            Answer::Impossible => None,
        }
    }

    /// Asks for consent.
    ///
    /// # Errors
    /// If the user does not consent, with the reason.
    pub(in crate::cli) fn agrees(&mut self, question: &str) -> Result<(), &'static str> {
        match self.ask(&format!("{question} Only \"yes\" is accepted:"), "yes") {
            Some(true) => Ok(()),
            Some(false) => Err("the answer was not \"yes\""),
            None => Err("confirmation needs a terminal"),
        }
    }

    /// Asks a question.
    pub(in crate::cli) fn prompt(&mut self, question: &str) -> Answer {
        if !self.can_ask() {
            return Answer::Impossible;
        }
        // In one write, so that nothing comes between the question and its space.
        let question = format!("{} ", self.hidden.text(question));
        let _ = self.err.write_all(question.as_bytes());
        let _ = self.err.flush();
        let mut answer = String::new();
        if let Ok(1..) = io::stdin().lock().read_line(&mut answer) {
            return Answer::Given(answer.trim().to_owned());
        }
        // The next message is not about the question.
        let _ = writeln!(self.err);
        Answer::End
    }
}
