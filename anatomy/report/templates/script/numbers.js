// Numbers in the words of the tables: what Python's formatting says, digit for digit.

// As Python rounds: to the nearest, and of two equally near ones to the even one.
function fixed(value, digits) {
  const exact = value.toFixed(100);
  const point = exact.indexOf(".");
  const kept = exact.slice(0, point + (digits ? 1 + digits : 0));
  const tie = /^50*$/.test(exact.slice(point + 1 + digits));
  return tie && Number(kept.at(-1)) % 2 === 0 ? kept : value.toFixed(digits);
}

// So many significant digits, without zeros at the end and without an exponent.
function significant(value, digits) {
  if (value === 0) return "0";
  const exponent = Number(value.toExponential(digits - 1).split("e")[1]);
  const text = fixed(value, Math.max(0, digits - 1 - exponent));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function percent(share) {
  if (share === 0) return "0 %";
  let text = fixed(100 * share, 1);
  if (text === "0.0") text = significant(100 * share, 2);
  if (share < 1 && text === "100.0") text = significant(100 * share, 6);
  return text + " %";
}
