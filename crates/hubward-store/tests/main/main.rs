//! What the store promises, through its public interface.

mod model;
