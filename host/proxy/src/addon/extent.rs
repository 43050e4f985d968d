//! How much a component has the compiler do, counted before it is compiled.

use wasmparser::{Parser, Payload};

/// Functions of all modules in a component. So many small ones take the compiler 600 MB.
const FUNCTIONS: usize = 100_000;

/// Bytes of code in one function. One of that size that is nothing but calls takes the compiler 900 MB.
const CODE: usize = 1 << 20;

/// What there is too much of in a component.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    /// More functions than are compiled.
    #[error("it has more than {FUNCTIONS} functions")]
    Functions,
    /// A function that is larger than is compiled.
    #[error("it has a function of {0} bytes, and {CODE} may be")]
    Code(usize),
}

/// Looks for what would take a compiler more time or memory than an addon is worth.
///
/// # Errors
/// When there is too much of something. Not when the bytes cannot be read: whoever reads them next says why.
pub fn check(bytes: &[u8]) -> Result<(), Excess> {
    let mut functions = 0;
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        let Payload::CodeSectionEntry(body) = payload else { continue };
        functions += 1;
        if functions > FUNCTIONS {
            return Err(Excess::Functions);
        }
        let code = body.range();
        let code = code.end.saturating_sub(code.start);
        if code > CODE {
            return Err(Excess::Code(code));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module of functions of this many bytes, each padded with instructions that do nothing.
    fn module(functions: usize, size: usize) -> Vec<u8> {
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        section(&mut bytes, 1, &[1, 0x60, 0, 0]);
        section(&mut bytes, 3, &[number(functions), vec![0; functions]].concat());
        let mut body = vec![0];
        body.resize(size - 1, 1);
        body.push(0x0b);
        section(&mut bytes, 10, &[number(functions), [number(size), body].concat().repeat(functions)].concat());
        bytes
    }

    /// A component with modules in it.
    fn component(modules: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        modules.iter().for_each(|module| section(&mut bytes, 1, module));
        bytes
    }

    fn section(bytes: &mut Vec<u8>, id: u8, content: &[u8]) {
        bytes.push(id);
        bytes.extend(number(content.len()));
        bytes.extend(content);
    }

    /// As WebAssembly has numbers, seven bits a byte.
    fn number(mut number: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while number > 127 {
            bytes.push(number.to_le_bytes()[0] | 128);
            number >>= 7;
        }
        bytes.push(number.to_le_bytes()[0]);
        bytes
    }

    #[test]
    fn functions_count_over_all_modules() {
        let half = module(FUNCTIONS / 2, 2);
        assert_eq!(check(&component(&[half.clone(), half.clone()])), Ok(()));
        assert_eq!(check(&component(&[half.clone(), half, module(1, 2)])), Err(Excess::Functions));
        assert_eq!(check(&module(FUNCTIONS + 1, 2)), Err(Excess::Functions));
    }

    #[test]
    fn one_function_may_not_be_endless() {
        assert_eq!(check(&module(2, CODE)), Ok(()));
        assert_eq!(check(&component(&[module(1, CODE + 1)])), Err(Excess::Code(CODE + 1)));
    }

    #[test]
    fn what_cannot_be_read_is_left_to_others() {
        let whole = module(3, 10);
        for length in 0..whole.len() {
            assert_eq!(check(&whole[..length]), Ok(()));
        }
    }
}
