//! What the black-box tests share; the tests stand in `tests/`.
