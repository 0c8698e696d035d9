//! The process with the official parsers.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Asks all questions at once; answers come in their order.
pub(crate) fn ask(questions: impl Iterator<Item = Value>) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/parsers.mjs");
    let mut process = Command::new("node")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is installed");
    let mut input = process.stdin.take().unwrap();
    let questions: Vec<String> = questions.map(|question| question.to_string()).collect();
    let count = questions.len();
    // It answers while it is asked, and would wait for somebody to read.
    let asking = std::thread::spawn(move || {
        for question in questions {
            writeln!(input, "{question}").unwrap();
        }
    });
    let answers: Vec<Value> = BufReader::new(process.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    asking.join().unwrap();
    assert!(process.wait().unwrap().success());
    assert_eq!(answers.len(), count, "an answer to each question");
    answers
}
