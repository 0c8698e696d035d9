//! JSON paths over a document.

use std::panic::{AssertUnwindSafe, catch_unwind};

use yrs::{JsonPath, JsonPathEval, ReadTxn};

use super::value::Value;

/// Why a path can't be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonPathError(String);

/// Everything that a path leads to.
pub fn select_all<T: ReadTxn>(txn: &T, path: &str) -> Result<Vec<Value>, JsonPathError> {
    evaluate(path, |path| txn.json_path(path).map(Value::from).collect())
}

/// The first value that a path leads to.
pub fn select_one<T: ReadTxn>(txn: &T, path: &str) -> Result<Option<Value>, JsonPathError> {
    evaluate(path, |path| txn.json_path(path).next().map(Value::from))
}

/// `yrs` panics over bad slices. Whatever panics here is the path's fault, not the document's: nothing was written, so the
/// document is not poisoned.
fn evaluate<R>(path: &str, select: impl FnOnce(&JsonPath<'_>) -> R) -> Result<R, JsonPathError> {
    let parsed = catch_unwind(|| JsonPath::parse(path))
        .map_err(|_| JsonPathError("not a JSON path".to_owned()))?
        .map_err(|error| JsonPathError(error.to_string()))?;
    if path.split('[').skip(1).any(is_bad_slice) {
        return Err(JsonPathError("the path has a slice without a step or an end".to_owned()));
    }
    catch_unwind(AssertUnwindSafe(|| select(&parsed)))
        .map_err(|_| JsonPathError("following the path failed inside of the CRDT".to_owned()))
}

/// Whether what follows a `[` is a slice whose step is 0 or whose end comes first.
fn is_bad_slice(rest: &str) -> bool {
    let inner = rest.split(']').next().unwrap_or_default();
    let numbers: Option<Vec<u32>> = inner.split(':').map(|it| it.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some([from, to]) => from > to,
        Some([from, to, step]) => from > to || *step == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yrs::{Any, Array, Doc, Map, Transact};

    #[test]
    fn follows_paths_and_refuses_bad_ones() {
        let doc = Doc::new();
        let (map, array) = (doc.get_or_insert_map("map"), doc.get_or_insert_array("array"));
        let mut txn = doc.transact_mut();
        map.insert(&mut txn, "key", 1);
        array.insert_range(&mut txn, 0, [1, 2, 3]);
        let all = |path| select_all(&txn, path).map(|it| it.len()).ok();
        assert_eq!(all("$.array[*]"), Some(3));
        assert_eq!(all("$.array[0:2:1]"), Some(2));
        assert_eq!(all("$.nothing"), Some(0));
        assert_eq!(select_one(&txn, "$.map.key"), Ok(Some(Value::Any(Any::from(1)))));
        for path in ["$.array[0:2:0]", "$.array[2:0:1]", "$[", "", "map["] {
            assert!(all(path).is_none_or(|count| count == 0), "{path}");
        }
    }
}
