//! Long blocks as shorter ones.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::super::scan::{
    ANY, Block, CONTENT_KIND, HAS_ORIGIN, HAS_RIGHT_ORIGIN, STRING, Scan, ScanError, utf16_len,
};
use super::MAX_LENGTH;
use crate::protocol::lib0::{write_var_bytes, write_var_uint};

/// A block, or a part of one.
pub(super) struct Piece<'a> {
    pub(super) len: u32,
    pub(super) bytes: Cow<'a, [u8]>,
}

/// A block as pieces of at most `room` bytes; `None` if that can't be.
pub(super) fn cut<'a>(
    bytes: &'a [u8],
    block: &Block,
    room: usize,
) -> Result<Option<Vec<Piece<'a>>>, ScanError> {
    if bytes.len() <= room {
        return Ok(Some(vec![Piece { len: block.len, bytes: Cow::Borrowed(bytes) }]));
    }
    let mut scan = Scan::new(bytes);
    let info = scan.reader.u8()?;
    let kind = info & CONTENT_KIND;
    if kind != STRING && kind != ANY {
        return Ok(None);
    }
    if info & HAS_ORIGIN != 0 {
        scan.id()?;
    }
    let start = scan.position();
    if info & HAS_RIGHT_ORIGIN != 0 {
        scan.id()?;
    }
    let right_origin = &bytes[start..scan.position()];
    scan.parent(info)?;
    let mut head = bytes[..scan.position()].to_vec();
    let mut pieces = Vec::new();
    let mut clock = block.clock;
    let mut content = Content::read(kind, &mut scan)?;
    while !content.is_empty() {
        let room = room.checked_sub(head.len() + MAX_LENGTH);
        let Some((len, mut piece)) = room.and_then(|room| content.take(room, &head)) else {
            return Ok(None);
        };
        piece.shrink_to_fit();
        pieces.push(Piece { len, bytes: Cow::Owned(piece) });
        clock += len;
        // What comes after a cut follows what is before it, like content that was typed behind it.
        head.clear();
        head.push(info | HAS_ORIGIN);
        write_var_uint(&mut head, block.client);
        write_var_uint(&mut head, u64::from(clock - 1));
        head.extend_from_slice(right_origin);
    }
    Ok(Some(pieces))
}

/// Content that can be cut.
enum Content<'a> {
    Text(&'a str),
    /// The bytes of each element.
    List(VecDeque<&'a [u8]>),
}

impl<'a> Content<'a> {
    fn read(kind: u8, scan: &mut Scan<'a>) -> Result<Self, ScanError> {
        if kind == STRING {
            return Ok(Self::Text(scan.reader.var_str()?));
        }
        let mut elements = VecDeque::new();
        for _ in 0..scan.reader.var_uint()? {
            let before = scan.reader.clone();
            scan.any()?;
            let len = before.remaining() - scan.reader.remaining();
            elements.push_back(before.clone().take(len)?);
        }
        Ok(Self::List(elements))
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::List(elements) => elements.is_empty(),
        }
    }

    /// Takes what fits into `room` bytes, as a block with this head, and its length in clocks; `None` if nothing fits.
    fn take(&mut self, room: usize, head: &[u8]) -> Option<(u32, Vec<u8>)> {
        let mut bytes = head.to_vec();
        match self {
            Self::Text(text) => {
                let mut end = room.min(text.len());
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                let (taken, rest) = text.split_at(end);
                *text = rest;
                write_var_bytes(&mut bytes, taken.as_bytes());
                (!taken.is_empty()).then(|| (utf16_len(taken), bytes))
            }
            Self::List(elements) => {
                let mut size = 0;
                let fits = |element: &&&[u8]| {
                    size += element.len();
                    size <= room
                };
                let count = elements.iter().take_while(fits).count();
                write_var_uint(&mut bytes, count as u64);
                elements.drain(..count).for_each(|element| bytes.extend_from_slice(element));
                (count > 0).then_some((count as u32, bytes))
            }
        }
    }
}
