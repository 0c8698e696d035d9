//! Holds back what must not be repeated in a loop.

use std::time::{Duration, Instant};

/// The first repetition may follow after this. Doubled with every one.
const SHORTEST: Duration = Duration::from_secs(1);

/// Repetitions never wait longer than this, and after as long a silence the damper is fresh again.
const LONGEST: Duration = Duration::from_secs(30);

/// The longest pause is reached after so many doublings.
const MAX_DOUBLINGS: u8 = 5;

/// Lets the first one pass at once, and repetitions after growing pauses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Damper {
    open_at: Option<Instant>,
    doublings: u8,
}

impl Damper {
    /// `Ok` if it may happen now, else when to ask again.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<(), Instant> {
        match self.open_at {
            Some(open_at) if now < open_at => return Err(open_at),
            Some(open_at) if now >= open_at + LONGEST => self.doublings = 0,
            _ => {}
        }
        self.open_at = Some(now + (SHORTEST * 2_u32.pow(self.doublings.into())).min(LONGEST));
        self.doublings = MAX_DOUBLINGS.min(self.doublings + 1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_wait_longer_and_longer_until_it_was_quiet() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut damper = Damper::default();
        // (label, second, expected)
        let table = [
            ("first", 0, Ok(())),
            ("too early", 0, Err(at(1))),
            ("after the first pause", 1, Ok(())),
            ("pause doubled", 2, Err(at(3))),
            ("after the second pause", 3, Ok(())),
            ("pause doubled again", 6, Err(at(7))),
            ("after a long silence", 100, Ok(())),
            ("fresh again", 101, Ok(())),
        ];
        for (label, second, expected) in table {
            assert_eq!(damper.admit(at(second)), expected, "{label}");
        }
    }

    #[test]
    fn the_pause_is_bounded() {
        let mut now = Instant::now();
        let mut damper = Damper::default();
        for _ in 0..100 {
            assert_eq!(damper.admit(now), Ok(()));
            let open_at = damper.admit(now).unwrap_err();
            assert!(open_at - now <= LONGEST);
            now = open_at;
        }
    }
}
