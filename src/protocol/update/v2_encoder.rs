//! The encoder of format V2.

use yrs::encoding::write::Write;
use yrs::updates::encoder::{Encoder, EncoderV2};
use yrs::{Any, ClientID, ID};

/// The encoder of `yrs`, which in 0.28 writes the length of bytes twice: nobody could read an update with binary content.
pub struct V2Encoder(EncoderV2);

impl V2Encoder {
    /// An encoder that has written nothing.
    pub fn new() -> Self {
        Self(EncoderV2::new())
    }
}

impl Default for V2Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Write for V2Encoder {
    // One by one, because it is only here that a length is added.
    fn write_all(&mut self, buf: &[u8]) {
        for byte in buf {
            self.0.write_u8(*byte);
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.0.write_u8(value);
    }

    fn write_string(&mut self, str: &str) {
        self.0.write_string(str);
    }
}

impl Encoder for V2Encoder {
    fn to_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn reset_ds_cur_val(&mut self) {
        self.0.reset_ds_cur_val();
    }

    fn write_ds_clock(&mut self, clock: u32) {
        self.0.write_ds_clock(clock);
    }

    fn write_ds_len(&mut self, len: u32) {
        self.0.write_ds_len(len);
    }

    fn write_left_id(&mut self, id: &ID) {
        self.0.write_left_id(id);
    }

    fn write_right_id(&mut self, id: &ID) {
        self.0.write_right_id(id);
    }

    fn write_client(&mut self, client: ClientID) {
        self.0.write_client(client);
    }

    fn write_info(&mut self, info: u8) {
        self.0.write_info(info);
    }

    fn write_parent_info(&mut self, is_y_key: bool) {
        self.0.write_parent_info(is_y_key);
    }

    fn write_type_ref(&mut self, info: u8) {
        self.0.write_type_ref(info);
    }

    fn write_len(&mut self, len: u32) {
        self.0.write_len(len);
    }

    fn write_any(&mut self, any: &Any) {
        self.0.write_any(any);
    }

    fn write_json(&mut self, any: &Any) {
        self.0.write_json(any);
    }

    fn write_key(&mut self, string: &str) {
        self.0.write_key(string);
    }
}
