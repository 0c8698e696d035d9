//! One value for all that are the same in a row: the many providers of one process mostly have the same settings.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// The last value that was shared, as long as somebody has it.
pub(crate) struct Latest<T>(Mutex<Weak<T>>);

impl<T: PartialEq> Latest<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    /// The one before, if it is the same.
    pub(crate) fn share(&self, value: T) -> Arc<T> {
        let mut latest = self.0.lock();
        if let Some(same) = latest.upgrade().filter(|latest| **latest == value) {
            return same;
        }
        let new = Arc::new(value);
        *latest = Arc::downgrade(&new);
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_is_one_as_long_as_somebody_has_it() {
        let latest = Latest::new();
        let one = latest.share("a".to_owned());
        assert!(Arc::ptr_eq(&one, &latest.share("a".to_owned())));
        let other = latest.share("b".to_owned());
        assert_eq!((one.as_str(), other.as_str()), ("a", "b"));
        assert!(Arc::ptr_eq(&other, &latest.share("b".to_owned())));
        let weak = Arc::downgrade(&other);
        drop(other);
        assert!(weak.upgrade().is_none(), "it is nobody's");
        assert_eq!(latest.share("b".to_owned()).as_str(), "b");
    }
}
