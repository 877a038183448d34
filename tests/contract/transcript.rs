//! The transcripts of real tools: commands, both streams, exit codes.

/// One command and what it left.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub line: String,
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

/// Reads a transcript: `$ COMMAND`, `-- stdout`, `-- stderr`, `-- exit N`.
pub fn parse(text: &str) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut in_stderr = false;
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            exchanges.push(Exchange {
                line: command.to_owned(),
                stdout: String::new(),
                stderr: String::new(),
                code: -1,
            });
            continue;
        }
        let Some(exchange) = exchanges.last_mut() else { continue };
        match line {
            "-- stdout" => in_stderr = false,
            "-- stderr" => in_stderr = true,
            _ => match line.strip_prefix("-- exit ") {
                Some(code) => exchange.code = code.parse().unwrap(),
                // What follows the exit code is the blank line between two commands.
                None if exchange.code >= 0 => {}
                None => {
                    let stream =
                        if in_stderr { &mut exchange.stderr } else { &mut exchange.stdout };
                    stream.push_str(line);
                    stream.push('\n');
                }
            },
        }
    }
    exchanges
}

impl Exchange {
    /// The program and its arguments. The transcripts show words without their quotes: what follows
    /// a `--format` or `-c` to the end of the line was one word.
    pub fn words(&self) -> Vec<String> {
        for flag in [" --format {{", " -c "] {
            if let Some((before, last)) = self.line.split_once(flag) {
                let (flag, start) = match flag.trim().split_once(' ') {
                    Some((flag, start)) => (flag, start),
                    None => (flag.trim(), ""),
                };
                let words = before.split_whitespace().map(str::to_owned);
                return words.chain([flag.to_owned(), format!("{start}{last}")]).collect();
            }
        }
        self.line.split_whitespace().map(str::to_owned).collect()
    }
}

/// A stream without what differs from run to run: times, process numbers and ports, the guest's home
/// and the list of archives that the transcripts leave out.
pub fn normalised(stream: &str) -> String {
    let lines = stream.lines().map(|line| {
        let line = line.replace("/home/dev.guest", "$HOME.guest");
        let line = without(&line, "time=\"", "\" ");
        let line = without(&line, "process ", "\"");
        without_json(&line)
    });
    lines.map(|line| line + "\n").collect::<Vec<_>>().concat()
}

fn without(line: &str, start: &str, end: &str) -> String {
    let Some((before, rest)) = line.split_once(start) else { return line.to_owned() };
    match rest.split_once(end) {
        Some((_, after)) => format!("{before}{start}…{end}{after}"),
        None => line.to_owned(),
    }
}

/// A line of JSON with its keys in order and without what differs.
fn without_json(line: &str) -> String {
    let text = line.replace(",\"archives\":[…]", "");
    let Ok(mut json) = serde_json::from_str::<serde_json::Value>(&text) else {
        return line.to_owned();
    };
    for key in ["sshLocalPort", "hostAgentPID", "driverPID"] {
        if let Some(number) = json.get_mut(key) {
            *number = "…".into();
        }
    }
    json.sort_all_objects();
    json.to_string()
}
