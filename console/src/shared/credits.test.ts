import { describe, expect, it } from "vitest";
import { creditsFromWire, creditsToWire, showCredits, showExactCredits } from "./credits";

describe("credits", () => {
  it.each([
    ["0", 0n],
    ["12.34", 12_340_000n],
    ["0.000001", 1n],
    ["-5", -5_000_000n],
    ["-0.01", -10_000n],
    ["9223372036854.775807", 9_223_372_036_854_775_807n],
  ])("reads %s exactly", (text, micro) => {
    expect(creditsFromWire(text)).toBe(micro);
  });

  it.each(["", " 1", "1,000", "1e3", ".5", "1.", "0.0000001", "+1", "−1", "NaN", "0x10", "--1"])(
    "refuses %j, which is no amount on the wire",
    (text) => {
      expect(() => creditsFromWire(text)).toThrow(RangeError);
    },
  );

  it("adds what binary fractions cannot", () => {
    expect(creditsToWire(creditsFromWire("0.10") + creditsFromWire("0.20"))).toBe("0.30");
    expect(creditsToWire(creditsFromWire("9007199254740993.01") - creditsFromWire("0.02"))).toBe(
      "9007199254740992.99",
    );
  });

  it.each(["0.00", "0.01", "12.340001", "-0.000001", "-12.50", "123456789012345678.90"])(
    "writes %s back as it was read",
    (text) => {
      expect(creditsToWire(creditsFromWire(text))).toBe(text);
    },
  );

  it.each([
    [1_234_567_890_000n, "1,234,567.89"],
    [999_999n, "0.99"],
    [9_999n, "0.00"],
    [0n, "0.00"],
    [-1n, "−0.01"],
    [-5_000_000n, "−5.00"],
  ])("shows %s micro-credits as %s, never more than there is", (micro, text) => {
    expect(showCredits(micro)).toBe(text);
  });

  it("shows every decimal when asked for the exact amount", () => {
    expect(showExactCredits(1_234_000_001n)).toBe("1,234.000001");
    expect(showExactCredits(-1_500_000n)).toBe("−1.50");
  });

  it("uses the separators of the reader", () => {
    expect(showCredits(1_234_567_890_000n, "de")).toBe("1.234.567,89");
  });
});
