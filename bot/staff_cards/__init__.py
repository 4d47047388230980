"""Cards for staff: `words` is what they say, `handling` what is done when one is pressed."""
