import { describe, expect, it } from "vitest";
import { xmlElements, xmlText } from "../src/xml.js";

const MiB = 2 ** 20;

describe("XML", () => {
  it("gives the content of every element of a name", () => {
    const xml = '<List><Part n="1">a</Part><Parts>b</Parts><Part>\n<ETag>c</ETag></Part><Part/></List>';
    expect(xmlElements(xml, "Part")).toEqual(["a", "\n<ETag>c</ETag>"]);
    expect(xmlElements(xml, "Other")).toEqual([]);
  });

  it("gives the text of the first element, with entities resolved", () => {
    const xml = "<A><Key>a&amp;b &lt;&#65;&#x42;&quot;&apos;&unknown;</Key><Key>c</Key></A>";
    expect(xmlText(xml, "Key")).toBe("a&b <AB\"'&unknown;");
    expect(xmlText(xml, "K")).toBeUndefined();
    expect(xmlText("<Code></Code>", "Code")).toBe("");
    expect(xmlText('<Code xmlns="x">a</Code>', "Code")).toBe("a");
    expect(xmlText("<Code>a<b>c</b></Code><Code>d</Code>", "Code")).toBe("d");
    expect(xmlText("<Code>a", "Code")).toBeUndefined();
  });

  // A quadratic scan takes minutes for each of these, and exceeds the timeout of the test.
  it.each([
    ["unclosed elements", "<Part>".repeat((4 * MiB) / 6)],
    ["unclosed tags", "<Part ".repeat((4 * MiB) / 6)],
    ["unclosed elements before one end tag of another name", `${"<Part>".repeat(MiB / 2)}</Other>`],
    ["ampersands", `<Part>${"&".repeat(4 * MiB)}</Part>`],
    ["numbers of entities", `<Part>${"&#1".repeat(MiB)}</Part>`],
  ])("scans %s in linear time", (_, xml) => {
    expect(xmlElements(xml, "Part").length).toBeLessThan(2);
    xmlText(xml, "Part");
  });
});
