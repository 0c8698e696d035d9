//! Notices that the computer slept.

use std::time::{Duration, Instant, SystemTime};

/// Clocks are corrected by less than this, and nobody hangs up over so short a sleep.
const SHORTEST: Duration = Duration::from_secs(5);

/// Compares two clocks: that of deadlines stands still while a laptop sleeps, that on the wall does not.
pub(super) struct SleepWatch {
    instant: Instant,
    wall: SystemTime,
}

impl SleepWatch {
    pub(super) fn new() -> Self {
        Self { instant: Instant::now(), wall: SystemTime::now() }
    }

    /// How long the computer slept since the last look. Not the clock of the runtime, which tests may stop.
    pub(super) fn look(&mut self) -> Option<Duration> {
        self.compare(Instant::now(), SystemTime::now())
    }

    fn compare(&mut self, instant: Instant, wall: SystemTime) -> Option<Duration> {
        let awake = instant.saturating_duration_since(self.instant);
        // A clock that was set back says nothing.
        let passed = wall.duration_since(self.wall).unwrap_or_default();
        *self = Self { instant, wall };
        passed.checked_sub(awake).filter(|asleep| *asleep >= SHORTEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wall_clock_that_is_far_ahead_tells_of_sleep() {
        let second = Duration::from_secs(1);
        let mut watch = SleepWatch::new();
        let (mut instant, mut wall) = (watch.instant, watch.wall);
        let rows = [
            ("both go on", 60, 60, None),
            ("corrected", 1, 5, None),
            ("asleep for an hour", 2, 3602, Some(3600 * second)),
            ("told once", 1, 1, None),
            ("set back", 1, -500, None),
            ("both go on from there", 30, 30, None),
            ("asleep while nobody looked for a while", 40, 50, Some(10 * second)),
        ];
        for (label, awake, passed, expected) in rows {
            instant += awake * second;
            let step = i32::unsigned_abs(passed) * second;
            wall = if passed < 0 { wall - step } else { wall + step };
            assert_eq!(watch.compare(instant, wall), expected, "{label}");
        }
    }
}
