import { screen } from "@testing-library/react";
import { Ticket } from "lucide-react";
import { expect, it } from "vitest";
import { draw } from "@/testing/draw";
import { EmptyState } from "./EmptyState";
import { initialsOf } from "./initials";
import { Money } from "./Money";

it.each(["nothing-yet", "nothing-matches", "not-permitted"] as const)(
  "%s says what is the case, why, and what to do",
  (kind) => {
    const words = { title: "The title", text: "The reason.", action: <button type="button">Do it</button> };
    draw(
      kind === "nothing-yet" ? (
        <EmptyState kind={kind} icon={Ticket} {...words} />
      ) : (
        <EmptyState kind={kind} {...words} />
      ),
    );

    expect(screen.getByRole("heading", { name: "The title" })).toBeTruthy();
    expect(screen.getByText("The reason.")).toBeTruthy();
    expect(screen.getByRole("button", { name: "Do it" })).toBeTruthy();
  },
);

it("shows two decimals, and the exact amount on hover only where it differs", () => {
  draw(
    <>
      <Money credits="1234.5" />
      <Money credits="-5.000001" />
    </>,
  );

  expect(screen.getByText("1,234.50").title).toBe("");
  expect(screen.getByText("−5.01").title).toBe("−5.000001");
});

it.each([
  ["Dana Whitfield", "DW"],
  ["Maria da Silva", "MS"],
  ["mei", "M"],
  ["dana@acme.example", "D"],
  ["  ", ""],
])("abbreviates %j to %j", (name, initials) => {
  expect(initialsOf(name)).toBe(initials);
});
