// Whoever signs in here finds no words of who worked in this window before.
sessionStorage.clear();
