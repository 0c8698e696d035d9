//! The floor of the benchmarks: the same work with nothing but yrs and tungstenite.
//!
//! `floor stream PORT TOTAL`, `floor apply FILE COUNT`, `floor typing FILE COUNT each|once`. Prints one line of JSON.

mod apply;
mod record;
mod report;
mod stream;
mod typing;

use std::env;
use std::error::Error;
use std::process::ExitCode;

type Outcome = Result<String, Box<dyn Error>>;

fn main() -> ExitCode {
    match run(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(json) => {
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("floor: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Outcome {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["stream", port, total] => stream::run(port.parse()?, total.parse()?),
        ["apply", file, count] => apply::run(file, count.parse()?),
        ["typing", file, count, "each"] => {
            typing::run(file, count.parse()?, typing::Transactions::Each)
        }
        ["typing", file, count, "once"] => {
            typing::run(file, count.parse()?, typing::Transactions::One)
        }
        _ => Err("usage: floor stream PORT TOTAL | apply FILE COUNT | typing FILE COUNT each|once"
            .into()),
    }
}
