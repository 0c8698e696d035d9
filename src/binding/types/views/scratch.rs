//! The way of a few bytes to JavaScript.

use std::ptr;

use napi::bindgen_prelude::Unknown;
use napi::{Env, sys};

use crate::binding::error::Result;
use crate::binding::raw::{self, Reference};

/// V8 has room for arrays up to this size in its own heap.
const SCRATCH_BYTES: usize = 64;

/// A few bytes that native code writes and the script reads.
pub(super) struct Scratch {
    bytes: *mut u8,
    /// Keeps them. Nobody else has it, so nobody detaches it.
    _array: Reference,
}

impl Scratch {
    /// The bytes, and the array that the script reads them from.
    pub(super) fn new<'env>(env: Env) -> Result<(Self, Unknown<'env>)> {
        let (mut bytes, mut buffer, mut array) =
            (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        // SAFETY: the out-pointers are valid; the array is as long as its buffer.
        let array = unsafe {
            raw::check(sys::napi_create_arraybuffer(
                env.raw(),
                SCRATCH_BYTES,
                &raw mut bytes,
                &raw mut buffer,
            ))?;
            raw::check(sys::napi_create_typedarray(
                env.raw(),
                sys::TypedarrayType::uint8_array,
                SCRATCH_BYTES,
                buffer,
                0,
                &raw mut array,
            ))?;
            Unknown::from_raw_unchecked(env.raw(), array)
        };
        Ok((Self { bytes: bytes.cast(), _array: Reference::strong(env, &array)? }, array))
    }

    /// Writes the bytes that the script reads next, if there is room for them.
    pub(super) fn write(&self, bytes: &[u8]) -> bool {
        let has_room = bytes.len() <= SCRATCH_BYTES;
        if has_room {
            // SAFETY: there is room, and it lives as long as the array; JavaScript does not run meanwhile.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.bytes, bytes.len()) };
        }
        has_room
    }
}
