import { Button, type ButtonProps } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import type { ReactNode, Ref } from "react";

interface AnchorButtonProps extends Omit<ButtonProps, "component"> {
  children?: ReactNode;
  ref?: Ref<HTMLAnchorElement>;
}

function AnchorButton(props: AnchorButtonProps) {
  return <Button component="a" {...props} />;
}

/** A link to another page that looks like a button; its address is checked by the compiler. */
export const ButtonLink = createLink(AnchorButton);
