import address from "@/favicon.svg";

/** The sign of the product. */
export function Mark({ size }: { size: number }) {
  return <img src={address} width={size} height={size} alt="" />;
}
