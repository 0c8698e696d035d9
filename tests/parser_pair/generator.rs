//! Random packets, and random changes of real ones.

use serde_json::{Map, Value, json};

use super::ours::hex;

/// What headers are made of, and what doesn't belong there.
const PIECES: [&str; 34] = [
    "0",
    "1",
    "2",
    "3",
    "5",
    "9",
    "-",
    "/",
    ",",
    "[",
    "]",
    "{",
    "}",
    "\"",
    ":",
    "\\",
    " ",
    "a",
    "é",
    "🚀",
    "null",
    "true",
    "1.5",
    "-1",
    "[[",
    "\\u0000",
    "_placeholder",
    "\"num\":1",
    "\n",
    "/n,",
    "\\u005f",
    "connect",
    "{}",
    "51-",
];

pub(crate) struct Generator {
    rng: fastrand::Rng,
    seeds: Vec<Vec<Value>>,
    engine_seeds: Vec<String>,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        let fixture: Value =
            serde_json::from_str(include_str!("../../fixtures/protocol.json")).unwrap();
        let (mut seeds, mut engine_seeds) = (Vec::new(), Vec::new());
        for vector in fixture["vectors"].as_array().unwrap() {
            match vector["kind"].as_str().unwrap() {
                "engine-packet" => engine_seeds.push(vector["text"].as_str().unwrap().to_owned()),
                "invalid-socket-packet" => seeds.push(vector["frames"].as_array().unwrap().clone()),
                "socket-packet" => {
                    let mut frames = vec![json!(&vector["header"].as_str().unwrap()[1..])];
                    let attachments = vector["attachments"].as_array().unwrap();
                    frames.extend(attachments.iter().map(|hex| json!({ "$binary": hex })));
                    seeds.push(frames);
                }
                _ => {}
            }
        }
        Self { rng: fastrand::Rng::with_seed(seed), seeds, engine_seeds }
    }

    /// An event or ack; its bytes may be nested in other arguments, if that is wanted.
    pub(crate) fn packet(&mut self, has_nested: bool) -> Value {
        let is_event = self.rng.bool();
        let mut data: Vec<Value> = Vec::new();
        if is_event {
            let name = self.text();
            data.push(json!(format!("event {name}")));
        }
        let mut attachments = 0;
        for _ in 0..self.rng.usize(0..5) {
            let value = match self.rng.u8(0..3) {
                0 => self.bytes(),
                1 if has_nested => {
                    json!({ "a": [self.bytes(), self.value(2)], "b": self.value(1) })
                }
                _ => self.value(3),
            };
            attachments += value.to_string().matches("$binary").count();
            if attachments <= 10 {
                data.push(value);
            }
        }
        let nsp = *self.rng.choice(&["/", "/", "/admin", "/grüße 🚀", "/a|b?c=d"]).unwrap();
        let mut packet =
            json!({ "type": if is_event { "EVENT" } else { "ACK" }, "nsp": nsp, "data": data });
        if !is_event || self.rng.bool() {
            packet["id"] = json!(self.rng.u32(..) >> self.rng.u32(0..32));
        }
        packet
    }

    /// The frames of one or two packets, with a few changes.
    pub(crate) fn frames(&mut self) -> Vec<Value> {
        let mut frames = self.rng.choice(&self.seeds).unwrap().clone();
        match self.rng.u8(0..16) {
            0 => frames.extend(self.rng.choice(&self.seeds).unwrap().clone()),
            1 => drop(frames.pop()),
            2 => frames.push(self.bytes()),
            _ => {}
        }
        for frame in &mut frames {
            if let Value::String(text) = frame {
                let changed = self.changed(text);
                *text = changed;
            }
        }
        frames
    }

    pub(crate) fn engine_text(&mut self) -> String {
        let text = self.rng.choice(&self.engine_seeds).unwrap().clone();
        self.changed(&text)
    }

    fn changed(&mut self, text: &str) -> String {
        let mut chars: Vec<char> = text.chars().collect();
        for _ in 0..self.rng.usize(0..4) {
            let at = self.rng.usize(0..=chars.len());
            match self.rng.u8(0..8) {
                0 => chars.truncate(at),
                1..=2 if at < chars.len() => drop(chars.remove(at)),
                3 if at < chars.len() => chars[at] = self.rng.char(' '..='~'),
                _ => {
                    let piece = self.rng.choice(&PIECES).unwrap();
                    chars.splice(at..at, piece.chars());
                }
            }
        }
        chars.into_iter().collect()
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.rng.u8(0..if depth > 0 { 9 } else { 7 }) {
            0 => Value::Null,
            1 => json!(self.rng.bool()),
            2 => json!(self.rng.i32(..)),
            3 => json!(self.rng.u64(..1 << 53)),
            // Fractions that every parser of numbers reads the same.
            4 => json!(f64::from(self.rng.i32(..)) / 8.0),
            5..=6 => json!(self.text()),
            7 => (0..self.rng.usize(0..4)).map(|_| self.value(depth - 1)).collect(),
            _ => {
                let field = |_| (self.text(), self.value(depth - 1));
                Value::Object((0..3).map(field).collect::<Map<_, _>>())
            }
        }
    }

    fn text(&mut self) -> String {
        let pieces = self.rng.usize(0..4);
        (0..pieces)
            .map(|_| match self.rng.u8(0..3) {
                0 => self.rng.char(..).to_string(),
                1 => self.rng.char('\0'..='\u{2f}').to_string(),
                // An object with such a key can't be sent beside bytes: the official parser can't read it back.
                _ => self.rng.choice(&PIECES).unwrap().replace("_placeholder", "placeholder"),
            })
            .collect()
    }

    fn bytes(&mut self) -> Value {
        let bytes: Vec<u8> = (0..self.rng.usize(0..20)).map(|_| self.rng.u8(..)).collect();
        hex(&bytes)
    }
}
