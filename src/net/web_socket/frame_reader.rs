//! From bytes to messages.

use std::io::Cursor;

use bytes::{Buf, Bytes, BytesMut};
use tungstenite::Utf8Bytes;
use tungstenite::error::{CapacityError, Error, ProtocolError};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// A longer payload is none of a control frame.
const MAX_CONTROL_PAYLOAD: u64 = 125;

/// Bytes as they come in; messages, as they are whole.
#[derive(Debug)]
pub(super) struct FrameReader {
    /// What was not taken yet. Nothing is allocated while it is empty.
    unread: BytesMut,
    /// A message of which more is to come.
    fragments: Option<Fragments>,
    max_payload: usize,
}

/// A message, or what is said about the connection.
#[derive(Debug, PartialEq)]
pub(super) enum Received {
    Text(Utf8Bytes),
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    Close(Option<CloseFrame>),
}

#[derive(Debug)]
struct Fragments {
    is_text: bool,
    payload: Vec<u8>,
}

impl FrameReader {
    pub(super) fn new(max_payload: usize) -> Self {
        Self { unread: BytesMut::new(), fragments: None, max_payload }
    }

    /// Takes bytes of the connection, however they are cut.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.unread.is_empty() {
            self.unread = BytesMut::from(bytes);
        } else {
            self.unread.extend_from_slice(bytes);
        }
    }

    /// Room that is taken.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.unread.capacity()
    }

    /// The next message, `None` as long as more bytes are needed for it.
    pub(super) fn next(&mut self) -> Result<Option<Received>, Error> {
        while let Some((header, payload)) = self.next_frame()? {
            let received = match header.opcode {
                OpCode::Control(Control::Ping) => Some(Received::Ping(payload)),
                OpCode::Control(Control::Pong) => Some(Received::Pong),
                OpCode::Control(_) => Some(Received::Close(read_close(&payload)?)),
                OpCode::Data(data) => self.assemble(data, header.is_final, payload)?,
            };
            if received.is_some() {
                return Ok(received);
            }
        }
        Ok(None)
    }

    fn next_frame(&mut self) -> Result<Option<(FrameHeader, Bytes)>, Error> {
        let mut cursor = Cursor::new(&*self.unread);
        let Some((header, len)) = FrameHeader::parse(&mut cursor)? else { return Ok(None) };
        // At most 14.
        let header_len = cursor.position() as usize;
        self.check(&header, len)?;
        // No more than `max_payload`, which is an usize.
        let len = len as usize;
        if self.unread.len() - header_len < len {
            return Ok(None);
        }
        self.unread.advance(header_len);
        let payload = self.unread.split_to(len).freeze();
        if self.unread.is_empty() {
            self.unread = BytesMut::new();
        }
        Ok(Some((header, payload)))
    }

    /// Before the payload is there: nobody should have to wait for what will be refused.
    fn check(&self, header: &FrameHeader, len: u64) -> Result<(), Error> {
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(ProtocolError::NonZeroReservedBits.into());
        }
        if header.mask.is_some() {
            return Err(ProtocolError::MaskedFrameFromServer.into());
        }
        match header.opcode {
            OpCode::Control(_) if !header.is_final => {
                Err(ProtocolError::FragmentedControlFrame.into())
            }
            OpCode::Control(_) if len > MAX_CONTROL_PAYLOAD => {
                Err(ProtocolError::ControlFrameTooBig.into())
            }
            OpCode::Control(_) => Ok(()),
            OpCode::Data(data) => {
                let before = match (&self.fragments, data) {
                    (None, Data::Continue) => {
                        return Err(ProtocolError::UnexpectedContinueFrame.into());
                    }
                    (None, _) => 0,
                    (Some(fragments), Data::Continue) => fragments.payload.len(),
                    (Some(_), _) => return Err(ProtocolError::ExpectedFragment(data).into()),
                };
                self.check_size(len.saturating_add(before as u64))
            }
        }
    }

    fn check_size(&self, size: u64) -> Result<(), Error> {
        if size <= self.max_payload as u64 {
            return Ok(());
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let max_size = self.max_payload;
        Err(CapacityError::MessageTooLong { size, max_size }.into())
    }

    fn assemble(
        &mut self,
        data: Data,
        is_final: bool,
        payload: Bytes,
    ) -> Result<Option<Received>, Error> {
        let is_text = data == Data::Text;
        let (is_text, payload) = match &mut self.fragments {
            None if is_final => (is_text, payload),
            None => {
                self.fragments = Some(Fragments { is_text, payload: payload.to_vec() });
                return Ok(None);
            }
            Some(fragments) => {
                fragments.payload.extend_from_slice(&payload);
                match self.fragments.take_if(|_| is_final) {
                    Some(whole) => (whole.is_text, whole.payload.into()),
                    None => return Ok(None),
                }
            }
        };
        Ok(Some(if is_text {
            Received::Text(Utf8Bytes::try_from(payload)?)
        } else {
            Received::Binary(payload)
        }))
    }
}

fn read_close(payload: &Bytes) -> Result<Option<CloseFrame>, Error> {
    match payload.split_first_chunk() {
        Some((code, reason)) => {
            let code = u16::from_be_bytes(*code).into();
            let reason = Utf8Bytes::try_from(payload.slice_ref(reason))?;
            Ok(Some(CloseFrame { code, reason }))
        }
        None if payload.is_empty() => Ok(None),
        None => Err(ProtocolError::InvalidCloseSequence.into()),
    }
}

#[cfg(test)]
mod tests;
