//! The trigger language from outside.

mod deciding;
mod reading;
